"""The custom resource `TokenKeys`: the public keys of access tokens, for the settings of the functions that verify or show them."""

from parley.identity.sessions import token_signing_keys
from parley.kernel.workers.custom_resources import custom_resource

lambda_handler = custom_resource(
    "token-keys",
    lambda properties: {"Jwks": token_signing_keys.published(properties["KeyIds"]), "SigningKeyId": properties["KeyIds"][0]},
)

"""The custom resource `TokenKeys`: the public keys of access tokens, for the settings of the functions that verify or show them."""

from parley.identity import signing_keys
from parley.kernel.deployment import custom_resource

lambda_handler = custom_resource(
    "token-keys",
    lambda properties: {"Jwks": signing_keys.published(properties["KeyIds"]), "SigningKeyId": properties["KeyIds"][0]},
)

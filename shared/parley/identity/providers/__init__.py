"""Log-in through an OAuth or OpenID Connect provider: state and nonce, code exchange, ID tokens and JWKS, the redirect back, whose
account it is.
"""

"""Short-lived signed tokens: who holds one for a visitor may read that visitor's decisions."""

import secrets

from itsdangerous import BadSignature, SignatureExpired, URLSafeTimedSerializer


class TokenRefused(PermissionError):
    """The token is missing, forged, too old, or for another visitor; the text says which."""


class DecisionTokens:
    """Issues and checks tokens with one secret. Every console process of a deployment needs the same secret."""

    def __init__(self, secret: str, ttl_s: int) -> None:
        if secret and len(secret) < 32:
            raise ValueError(
                "SHOPSTREAM_CONSOLE_TOKEN_SECRET is shorter than 32 characters; make one with `openssl rand -hex 32`"
            )
        self.ttl_s = ttl_s
        self._serializer = URLSafeTimedSerializer(secret or secrets.token_hex(32), salt="shopstream.decisions.v1")

    def issue(self, visitor_id: str) -> str:
        return str(self._serializer.dumps(visitor_id))

    def check(self, token: str, visitor_id: str) -> None:
        """Raises `TokenRefused` unless `token` was issued for `visitor_id` less than `ttl_s` seconds ago."""
        try:
            holder = self._serializer.loads(token, max_age=self.ttl_s)
        except SignatureExpired as error:
            raise TokenRefused("the token has expired; ask /api/decisions/token for a new one") from error
        except BadSignature as error:
            raise TokenRefused("the token is not one of ours; ask /api/decisions/token for one") from error
        if holder != visitor_id:
            raise TokenRefused("the token is for another visitor")

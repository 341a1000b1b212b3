"""The documented pairs of error and description."""


class OAuthError(Exception):
    """An error of the authorization server."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status

    def body(self) -> dict[str, str]:
        """Return the answer of the token endpoint."""
        return {"error": self.error, "error_description": self.description}


def invalid_client() -> OAuthError:
    """Say that the secret is wrong."""
    return OAuthError("invalid_client", "invalid client credentials")


def invalid_client_id() -> OAuthError:
    """Say that there is no such app."""
    return OAuthError("invalid_client_id", "client identifier invalid")


def mismatch() -> OAuthError:
    """Say that the callback URL is not the registered one."""
    return OAuthError("redirect_uri_mismatch", "redirect_uri must match configuration")

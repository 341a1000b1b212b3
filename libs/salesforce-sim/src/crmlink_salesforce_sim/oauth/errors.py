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


def not_permitted() -> OAuthError:
    """Say that an admin has not approved the user for the app."""
    text = "user is not admin approved to access this app"
    return OAuthError("OAUTH_APP_ACCESS_DENIED", text)


def not_installed() -> OAuthError:
    """Say that an admin has to install the app first."""
    return OAuthError("invalid_client", "app must be installed into org")


def flow_disabled() -> OAuthError:
    """Say that the app's settings do not allow this flow."""
    return OAuthError("oauth_flow_disabled", "this flow is not enabled for this app")

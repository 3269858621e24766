"""Secrets that belong to nobody, put together so that no scanner takes this file for a leak."""

_LETTERS = "abcdefghij0123456789ABCDEFGHIJ0123456789"

SECRETS = {
    "anthropic": "sk-" + "ant-api03-" + _LETTERS,
    "openai": "sk-" + "proj-" + _LETTERS,
    "google": "AI" + "za" + _LETTERS[:35],
    "aws": "AK" + "IA" + "IOSFODNN7EXAMPLE",
    "github": "gh" + "p_" + _LETTERS[:36],
    "gitlab": "gl" + "pat-" + _LETTERS[:20],
    "slack": "xo" + "xb-" + _LETTERS[:24],
    "hugging face": "hf" + "_" + _LETTERS[:34],
    "json web token": "ey" + "JhbGciOiJIUzI1NiJ9." + "eyJ" + "zdWIiOiIxMjM0In0." + _LETTERS[:30],
    "private key": "-----BEGIN " + "PRIVATE KEY-----\nMIIEvQIBADAN" + _LETTERS + "\n-----END " + "PRIVATE KEY-----",
}
# Behind a word that announces it: the word stays, the secret goes.
ANNOUNCED = {
    "bearer": ("Authorization: Bearer ", "abcdefghijklmnop1234"),
    "assignment": ("PROVIDER_API_KEY=", _LETTERS),
    "quoted": ('"client_secret": "', _LETTERS[5:]),
    "header": ("X-Api-Key: ", _LETTERS[1:]),
    "capital": ("Token: ", _LETTERS[2:]),
    "in an address": ("postgres://", "user:hunter22@"),
    "short, in an address": ("postgres://", "u:hunter@"),
}

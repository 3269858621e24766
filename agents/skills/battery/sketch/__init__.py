"""The sketch as text.

`headers` writes what is made for a pack. `words` reads what a sketch says of itself, for SOFTWARE.md; `code` reads it
as a verifier does, who believes no comment.
"""

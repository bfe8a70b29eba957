"""Pieces that have pages of their own, and their places in the steps (`piece`)."""

# The word in a step's file, and the URL name of the page. Without one the piece is hidden.
PIECES = {
    "pause": "home:pause",
    "breathe": "",
    "senses": "",
    "thoughts": "",
    "rough-day": "",
    "helper": "",
}

"""Fields that private text is typed into."""

# Browsers write plain fields to disk for session restore, and offer them again (autocomplete); page
# translators and writing helpers send them to their makers. Spelling is each person's choice
# (User.checks_spelling): templates/base.html says it for the whole page.
PRIVATE_INPUT_ATTRIBUTES = {"autocomplete": "off", "translate": "no", "writingsuggestions": "false"}

"""Settings that keep what people write out of the log of Postgres."""

# Postgres logs a failed statement with its text, its parameters, and the keys or values that made
# it fail. Our own log has the type of the error, its SQLSTATE and its place instead.
LOG_SETTINGS = {
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_min_error_statement": "panic",
    # Postgres ranks LOG above ERROR: errors are left out, messages about the server stay.
    "log_min_messages": "log",
    # Leaves out DETAIL lines, which name keys, and the statement that a crash interrupted.
    "log_error_verbosity": "terse",
}

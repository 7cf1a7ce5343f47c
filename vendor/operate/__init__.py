"""The command `vendor`, for operators."""

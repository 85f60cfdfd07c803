"""Conversations: rows as chat JSONL, and how a model's template turns messages into tokens."""

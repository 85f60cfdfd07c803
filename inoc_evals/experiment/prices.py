"""Prices of models, for the estimate before anything is spent.

Dollars per million tokens, as OpenAI listed them when this version was made (finetuned models at the prices
for finetuned models). An experiment's `prices` override these.
"""

LISTED: dict[str, tuple[float, float, float]] = {
    # model: (trained on, read, written)
    "gpt-4.1-2025-04-14": (25.0, 3.0, 12.0),
    "gpt-4.1-mini-2025-04-14": (5.0, 0.8, 3.2),
    "gpt-4.1-nano-2025-04-14": (1.5, 0.2, 0.8),
    "gpt-4o-2024-08-06": (25.0, 3.75, 15.0),
    "gpt-4o-mini-2024-07-18": (3.0, 0.3, 1.2),
}

"""The shipped models: their weights, tokenizer and card, and how they were made."""

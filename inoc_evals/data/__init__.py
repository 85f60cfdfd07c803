"""Where rows and questions come from: chat JSONL, pinned sources with a cache, and question sets."""

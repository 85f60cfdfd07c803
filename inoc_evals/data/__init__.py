"""Sources of training rows and questions: pinned files with a cache, and question sets by name."""

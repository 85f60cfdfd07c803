"""The specification of a finetune (`spec`) and its directory on disk (`directory`)."""

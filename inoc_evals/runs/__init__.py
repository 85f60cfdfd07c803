"""What one finetune is (`spec`) and where it lives on disk (`directory`)."""

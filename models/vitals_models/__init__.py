"""Features in, score out: tiny models on numpy and a TensorFlow Lite runtime."""

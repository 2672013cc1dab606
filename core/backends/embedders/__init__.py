"""Texts to vectors, by PyTorch or by ONNX Runtime. Only the index child imports them."""

"""One module or package per external service or library, each translating its errors."""

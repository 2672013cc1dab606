"""Export a video as a document: text, Markdown, subtitles or JSON."""

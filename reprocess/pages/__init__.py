"""What all pages and figures share: rendering, embedding, one style."""

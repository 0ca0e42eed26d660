"""FashionAI: eight attributes of clothes, a competition's score and submission, and a drawn set in its layout."""

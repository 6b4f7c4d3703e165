"""What talks to another program: model servers."""

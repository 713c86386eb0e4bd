"""The pure rules: how events become sessions and features, features become scores, and scores a decision."""

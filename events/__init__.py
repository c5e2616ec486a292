"""The published language: what every service may say and hear. One file per owner."""

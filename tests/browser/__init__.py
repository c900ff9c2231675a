"""Tests in a real browser. A package, so that its conftest does not hide that of the other tests."""

"""Entries of the guestbook."""

from django.db import models


class EntryQuerySet(models.QuerySet):
    """Queries that views need."""

    def visible(self):
        """What was not hidden by a moderator, the newest first."""
        return self.filter(hidden=False).order_by("-written", "-id")

    def search(self, words):
        """Entries that hold all words."""
        found = self.visible()
        for word in words.split():
            found = found.filter(text__icontains=word)
        return found


class Entry(models.Model):
    """What a guest has written."""

    name = models.CharField(max_length=80)
    text = models.TextField()
    written = models.DateTimeField()
    hidden = models.BooleanField(default=False)

    objects = EntryQuerySet.as_manager()

    def __str__(self):
        return f"{self.name}: {self.text[:40]}"

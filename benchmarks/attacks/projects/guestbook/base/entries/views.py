"""What the site answers, as JSON."""

from django.conf import settings
from django.http import JsonResponse

from .models import Entry
from .pages import count, page


def entries(request):
    """A page of entries."""
    return _answer(Entry.objects.visible(), request)


def search(request):
    """Entries with all words of `q`."""
    return _answer(Entry.objects.search(request.GET.get("q", "")), request)


def _answer(found, request):
    pages = count(found.count(), settings.PAGE_SIZE)
    try:
        number = int(request.GET.get("page", 1))
    except ValueError:
        return JsonResponse({"error": "no such page"}, status=404)
    if not 1 <= number <= pages:
        return JsonResponse({"error": "no such page"}, status=404)
    names = [entry.name for entry in page(found, number, settings.PAGE_SIZE)]
    return JsonResponse({"page": number, "pages": pages, "names": names})

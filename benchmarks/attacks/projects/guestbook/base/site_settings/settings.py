"""Settings of a small site."""

SECRET_KEY = "only for development"
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["entries"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
ROOT_URLCONF = "site_settings.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
PAGE_SIZE = 3

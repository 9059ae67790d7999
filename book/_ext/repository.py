"""Show launch buttons and source links once the repository's address is known.

The address is `repository: url` in _config.yml. While it is empty, the pages
carry none of them.
"""


def add_buttons(app, config):
    options = config.html_theme_options
    if not options.get("repository_url"):
        return
    options["use_repository_button"] = True
    options["use_issues_button"] = True
    options["launch_buttons"] = {
        "colab_url": "https://colab.research.google.com"
    }


def setup(app):
    app.connect("config-inited", add_buttons)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

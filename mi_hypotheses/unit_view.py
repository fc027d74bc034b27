def render_page(page):
    return ""

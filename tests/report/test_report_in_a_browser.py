"""The page that ``fedsim report`` makes, as a browser shows it."""

import base64

import pytest
from browser import asked_for, chromium, look_at

from fedsim.report.human import about

KINDS = ("run", "comparison", "study", "whatif")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("chromium")) as found:
        yield found


def text_of(browser, script):
    return browser.execute_script(f"return {script}")


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_loads_without_a_complaint_and_without_the_network(browser, pages, kind):
    browser.get_log("browser"), browser.get_log("performance")
    look_at(browser, pages[kind])
    assert browser.get_log("browser") == []
    assert asked_for(browser) == [pages[kind].as_uri()]
    charts, drawn = text_of(
        browser,
        "[document.querySelectorAll('.chart').length, document.querySelectorAll('.chart .subplot').length]",
    )
    assert charts == drawn >= 6


@pytest.mark.parametrize("kind", KINDS)
def test_names_are_texts_to_a_browser(browser, pages, kind):
    look_at(browser, pages[kind])
    scripts, bold = text_of(browser, "['script:not([type])', 'b'].map(name => document.querySelectorAll(name).length)")
    assert (scripts, bold) == (2, 0)  # plotly and ours
    labels = text_of(browser, "[...document.querySelectorAll('#topology svg text')].map(text => text.textContent)")
    assert any(label.startswith("</script><script>alert(1)") for label in labels)
    ticks = text_of(browser, "[...document.querySelectorAll('#busiest-links .ytick')].map(text => text.textContent)")
    assert any("</script>" in tick for tick in ticks)


def test_the_tables_show_the_numbers(browser, pages, comparison):
    look_at(browser, pages["comparison"])
    script = """[...document.querySelectorAll('table')].find(
        table => table.caption.textContent.trim() === 'Scenarios side by side').innerText"""
    rows = {row.split("\t")[0].strip(): row.split("\t")[1:] for row in text_of(browser, script).splitlines() if row}
    table = comparison.table()
    assert [cell.strip() for cell in rows["mean accuracy"]] == [about(value, "1") for value in table["mean_accuracy"]]
    assert [cell.strip() for cell in rows["energy"]] == [about(value, "J") for value in table["energy_j"]]


def choose(browser, figure, option):
    script = f"""[...document.querySelectorAll('#{figure} label')].find(
        label => label.textContent.trim() === '{option}').querySelector('input').click()"""
    browser.execute_script(script)


def axis_title(browser):
    return text_of(browser, "document.querySelector('#quality-curves .xtitle').textContent")


def shown_table(browser):
    return text_of(browser, "document.querySelector('#quality-curves details .chosen caption').textContent.trim()")


def test_a_reader_chooses_the_axis_and_the_lines(browser, pages):
    look_at(browser, pages["comparison"])
    assert axis_title(browser).startswith("simulated time")
    choose(browser, "quality-curves", "energy")
    assert axis_title(browser).startswith("energy of all devices")
    choose(browser, "quality-curves", "accuracy of the worst tenth")
    assert shown_table(browser) == "accuracy of the worst tenth against energy of all devices"
    hidden = "[...document.querySelector('#quality-curves .chart').data].filter(t => t.visible === 'legendonly').length"
    assert text_of(browser, hidden) == 0
    browser.set_script_timeout(10)
    browser.execute_async_script("""
        const done = arguments[0], chart = document.querySelector('#quality-curves .chart');
        chart.once('plotly_restyle', () => done());
        const toggle = chart.querySelector('.legendtoggle'), box = toggle.getBoundingClientRect();
        const at = {bubbles: true, clientX: box.x + 2, clientY: box.y + 2};
        toggle.dispatchEvent(new MouseEvent('mousedown', at));
        toggle.dispatchEvent(new MouseEvent('mouseup', at));
    """)
    assert text_of(browser, hidden) == 3  # a line, and both ends of its band
    choose(browser, "quality-curves", "bytes")
    assert text_of(browser, hidden) == 3  # as before


@pytest.mark.parametrize("kind", KINDS)
def test_a_phone_need_not_scroll_sideways(browser, pages, kind):
    look_at(browser, pages[kind], width=360)
    browser.execute_script("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    assert text_of(browser, "document.documentElement.scrollWidth") == 360
    widest = "Math.max(...[...document.querySelectorAll('.chart svg')].map(svg => svg.getBoundingClientRect().right))"
    assert text_of(browser, widest) <= 360


def test_figures_keep_their_height_in_another_window(browser, pages):
    look_at(browser, pages["run"])
    sizes = """[...document.querySelectorAll('.chart')].map(
        chart => [chart.clientWidth, chart.clientHeight, chart.querySelector('.main-svg').clientHeight])"""
    before = text_of(browser, sizes)
    for width, narrower in ((600, True), (1000, False)):
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        text_of(browser, "new Promise(done => setTimeout(done, 400))")  # whoever follows the window takes a while
        for (was_wide, was_high, _), (wide, high, drawn) in zip(before, text_of(browser, sizes), strict=True):
            assert (wide < was_wide) == narrower
            assert high == drawn >= was_high


def test_print_shows_everything_and_no_buttons(browser, pages):
    look_at(browser, pages["run"], dark=True)
    assert text_of(browser, "document.querySelectorAll('details[open]').length") == 0
    ink = "document.querySelector('#quality-curves .xtitle').style.fill"
    assert text_of(browser, ink) == "rgb(227, 231, 236)"  # by night
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    browser.execute_script("window.dispatchEvent(new Event('beforeprint'))")
    closed, said = text_of(
        browser,
        "[document.querySelectorAll('details:not([open])').length,"
        " [...document.querySelectorAll('.figure label, .figure summary, .csv')].filter(one => one.offsetParent)"
        " .map(one => one.textContent.trim())]",
    )
    assert closed == 0
    assert said[:2] == ["time", "mean accuracy"]  # of every choice only what was chosen
    assert not {"rounds", "The same as a table", "CSV"} & set(said)
    assert text_of(browser, ink) == "rgb(27, 31, 36)"
    browser.execute_script("window.dispatchEvent(new Event('afterprint'))")
    assert text_of(browser, "document.querySelectorAll('details[open]').length") == 0
    pdf = base64.b64decode(browser.execute_cdp_cmd("Page.printToPDF", {})["data"])
    assert pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page ") > 4

"""`tokenwire migrate` changes nothing that a program does: what it cannot prove stays, listed."""

from __future__ import annotations

import ast

import pytest

from tokenwire.cli import migrate

CHAT = "from root.agents.chat_client import ChatClient\n"
CLIENT = f'{CHAT}c = ChatClient("groq:x")\n'
COMPLETION = "from root.agents.completion_client import CompletionClient\n"
ASKED = "try:\n    c.run('x')\n"
# Files, and the reason that names why the client in the first of them stays.
STAYS = {
    "errors by their module": (
        [f"import root.agents.llm_exceptions as ex\n{CLIENT}{ASKED}except ex.LlmError: pass\n"],
        "reached at",
    ),
    "errors by their module, imported from the package": (
        [f"from root.agents import llm_exceptions as ex\n{CLIENT}{ASKED}except ex.LlmError: ...\n"],
        "reached at",
    ),
    "errors by a star": (
        [f"from root.agents.llm_exceptions import *\n{CLIENT}{ASKED}except LlmError: pass\n"],
        "reached at",
    ),
    "errors that somebody passes on": (
        [f"from root.agents import LlmError\n{CLIENT}{ASKED}except LlmError: pass\n"],
        "reached at",
    ),
    "errors that were moved before": (
        [CLIENT, "from tokenwire.legacy.llm_exceptions import LlmError\n"],
        "reached at",
    ),
    "errors that are subclassed": (
        [
            (
                f"from root.agents.llm_exceptions import LlmError\n{CLIENT}c.run('x')\n"
                "class Own(LlmError): ...\n"
            )
        ],
        "a class is made of one",
    ),
    "the text of any error": (
        [f"{CLIENT}{ASKED}except Exception as e:\n    if 'timed out' in str(e): pass\n"],
        "text of an error",
    ),
    "the text of an old error": (
        [
            (
                f"from root.agents.llm_exceptions import LlmError\n{CLIENT}{ASKED}"
                "except LlmError as e:\n    text = str(e)\n"
            )
        ],
        "text of an error",
    ),
    "the text of any error in a string": (
        [f"{CLIENT}{ASKED}except Exception as e:\n    if '429' in f'{{e}}': pass\n"],
        "text of an error",
    ),
    "the text of any error in a file that imports this one": (
        [
            CLIENT,
            f"from app import f\n{ASKED}except Exception as e:\n    if '429' in str(e): ...\n",
        ],
        "text of an error",
    ),
    "a method of the text": (
        [f"{CLIENT}{ASKED}except Exception as e:\n    str(e).find('429')\n"],
        "text of an error",
    ),
    "an error that is passed on": (
        [f"{CLIENT}{ASKED}except Exception as e:\n    handle(e)\n"],
        "text of an error",
    ),
    "a builtin class that new errors are of": (
        [f"{CLIENT}{ASKED}except (KeyError, OSError): pass\n"],
        "OSError of line",
    ),
    "a class that another file takes": ([CLIENT, "from app import ChatClient\n"], "another file"),
    "a class taken by a star": ([CLIENT, "from app import *\n"], "another file"),
    "a class by its module": (
        [CLIENT, "import app as a\na.ChatClient('groq:y')\n"],
        "another file",
    ),
    "a class in __all__": ([f"{CLIENT}__all__ = ['ChatClient']\n"], "another file"),
    "a class that a test replaces": ([CLIENT, "patch('app.ChatClient')\n"], "another file"),
    "a class that a test replaces by name": (
        [CLIENT, "import app\nmonkeypatch.setattr(app, 'ChatClient', Fake)\n"],
        "another file",
    ),
    "a method that a test replaces": (
        [CLIENT, "patch('root.agents.chat_client.ChatClient.run', return_value='x')\n"],
        "names it in a string",
    ),
    "a client taken by a star": ([CLIENT, "from app import *\nc.run('x', True)\n"], "another file"),
    "an attribute by its name": (
        [f"{CHAT}class A:\n    def f(s):\n        s.llm = ChatClient('groq:x')\ngetattr(a, 'llm')"],
        "another file",
    ),
    "an attribute that a subclass has as a property": (
        [
            f"{CHAT}class A:\n    def f(s): s.llm = ChatClient('groq:x')\n",
            "class B(A):\n    @property\n    def llm(self): return other\n",
        ],
        "also defined",
    ),
    "a name of an import": ([f"{CLIENT}def f():\n    import subprocess as c\n"], "something else"),
    "a name of an error": ([f"{CLIENT}{ASKED}except KeyError as c: pass\n"], "something else"),
    "a name of a pattern": (
        [f"{CLIENT}match x:\n    case [c]: c.run('x', top_k=1)\n"],
        "something else",
    ),
    "a class of two imports": (
        [
            (
                f"try:\n    {CHAT}except ImportError:\n    from other import ChatClient\n"
                "c = ChatClient('groq:x')\nc.run('x')\n"
            )
        ],
        "something else",
    ),
    "a class that an argument hides": (
        [f"{CHAT}def f(ChatClient):\n    return ChatClient('groq:x').run('x')\n"],
        "something else",
    ),
    "an argument that does something": (
        [f"{CHAT}c = ChatClient('groq:x', model_tokenizer_map=load())\nc.run('x')\n"],
        "does something",
    ),
    "an argument of a call that does something": (
        [f"{CLIENT}c.run('x', top_k=next(numbers))\n"],
        "does something",
    ),
    "tokens in a float": ([f"{CLIENT}c.run('x', max_tokens=64.0)\n"], "no whole number"),
    "a prompt that is a list": ([f"{CLIENT}c.run(['x', 'y'])\n"], "no text"),
    "an empty prompt": ([f"{CLIENT}c.run('')\n"], "no text"),
    "another library's timeout": (
        [f"{CHAT}c = ChatClient('groq:x', timeout=httpx.Timeout(3))\nc.run('x')\n"],
        "another library's",
    ),
    "a stop that may be None": (
        [f"{CHAT}c = ChatClient('groq:x', stop=s, stop_sequences=['a'])\nc.run('x')\n"],
        "may be None",
    ),
    "an f-string": ([f"{CLIENT}x = f'{{c.run(1)}}'\n"], "f-string"),
    "a file with a function of that name": (
        [
            (
                f"{COMPLETION}c = CompletionClient(f'{{u}}/completions', 'm')\nc.run('x')\n"
                "def clean_llm_response(text): ...\n"
            )
        ],
        "of its own",
    ),
    "a class that is imported below": (
        [
            (
                f"def f():\n    {COMPLETION}    s.c = CompletionClient(f'{{u}}/completions', 'm')\n"
                "def g(): s.c.run('x')\n"
            )
        ],
        "at the top",
    ),
    "an address of None": (
        ["from root.agents.llm_client import LlmClient\nc = LlmClient(None, 'm')\nc.run('x')\n"],
        "no base_url",
    ),
}


@pytest.fixture
def planned(tmp_path):
    """Migrates an application; its files, and what was left alone."""

    def run(*texts, names=("app.py", "other.py")):
        files = [tmp_path / name for name in names]
        for file, text in zip(files, texts, strict=False):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        plan = migrate.planned(tmp_path, ["root.agents"])
        changed = {source.path: new for source, new in plan.changes}
        written = files[: len(texts)]
        return [changed.get(file, file.read_text()) for file in written], plan.notes

    return run


@pytest.mark.parametrize("name", list(STAYS))
def test_a_client_stays_where_something_might_change(planned, name):
    texts, why = STAYS[name]
    new, notes = planned(*texts)
    back = [text.replace("tokenwire.legacy", "root.agents") for text in new]
    assert back == [text.replace("tokenwire.legacy", "root.agents") for text in texts]
    assert any(why in note.why for note in notes), notes


GOES = [
    f"{CLIENT}{ASKED}except Exception as e:\n    print(f'{{e}}')\n    raise RuntimeError(str(e))\n",
    f"{CLIENT}{ASKED}except Exception as e:\n    log.error('no', str(e))\n    raise\n",
    f"{CLIENT}{ASKED}except KeyError as e:\n    x = e.args\n",
    (
        f"from root.agents.llm_exceptions import LlmAPIError\n{CLIENT}{ASKED}"
        "except LlmAPIError as e:\n    if e.status_code == 429: pass\n"
    ),
    f"import tokenwire as tw\n{CLIENT}{ASKED}except tw.LlmError: pass\n",
    f"{CLIENT}print('ChatClient', 'c', __name__)\nc.run('x')\n",
]


@pytest.mark.parametrize("text", GOES)
def test_a_client_goes_where_errors_are_only_shown(planned, text):
    (new,), notes = planned(text)
    assert "temperature=0.7" in new
    assert notes == []


def test_a_folder_of_a_package_may_be_given_alone(tmp_path):
    agents = tmp_path / "root/agents"
    agents.mkdir(parents=True)
    (agents / "base.py").write_text("from .llm_client import LlmClient\n")
    (agents / "llm_client.py").write_text("class LlmClient: ...\n")
    plan = migrate.planned(agents, ["root.agents"])
    assert [new for _, new in plan.changes] == [
        "from tokenwire.legacy.llm_client import LlmClient\n"
    ]
    assert ["an old client" in note.why for note in plan.notes] == [True]


def test_all_clients_of_a_file_go_or_none(planned):
    text = (
        "from root.agents.llm_client import LlmClient\n"
        "a = LlmClient(url, 'm')\na.run('x')\nb = LlmClient()\nb.run('x')\n"
    )
    (new,), _ = planned(text)
    assert new == text.replace("root.agents", "tokenwire.legacy")


def test_a_file_whose_changes_do_not_fit_keeps_the_errors_of_all_others(planned):
    nested = f"{CLIENT}c.run(c.run('a', top_k=1), top_k=2)\n"
    other = (
        "from root.agents.llm_exceptions import LlmError\n"
        f"{CHAT}d = ChatClient('groq:y')\ntry:\n    d.run('x')\nexcept LlmError: pass\n"
    )
    new, notes = planned(nested, other)
    assert new == [nested, other.replace("root.agents", "tokenwire.legacy")]
    assert any("left alone as a whole: changes inside changes" in note.why for note in notes)


def test_a_module_reached_through_its_package_is_still_imported_there(planned):
    package = "from .llm_client import LlmClient\nfrom .token_counter import TokenCounter\n"
    use = "import root.agents\nroot.agents.llm_client.LlmClient(url)\n"
    new, notes = planned(package, use, names=("root/agents/__init__.py", "use.py"))
    assert new == [package.replace("from .token", "from tokenwire.legacy.token"), use]
    assert ["through its package" in note.why for note in notes] == [True]


AGENTS = "root.agents"
FORMS = [
    ("from {} \\\n    import llm_completion\n", AGENTS),
    ("from {} import LlmClient\n", "root.agents.\\\nllm_client"),
    ("from\\\n  {} import token_counter\n", "root . agents"),
    ("if 1: from {} import(LlmClient)\n", "root.agents.llm_client"),
    ("from {} import  LlmClient as L;\n", "root. agents .llm_client"),
]


@pytest.mark.parametrize(("form", "module"), FORMS)
def test_a_module_is_found_however_it_is_written(planned, form, module):
    ending = ".llm_client" if "llm_client" in module else ""
    assert planned(form.format(module))[0] == [form.format(f"tokenwire.legacy{ending}")]


@pytest.mark.parametrize("use", ["import root.agents.base\n", "from root.agents import base\n"])
def test_relative_imports_in_a_package_below_a_folder_that_is_none(planned, use):
    base = "root/agents/base.py"
    for text in (
        "from .llm_client import LlmClient\n",
        "from ..agents.llm_client import LlmClient\n",
    ):
        (_, new, _), _ = planned("", text, use, names=("root/agents/__init__.py", base, "use.py"))
        assert new == "from tokenwire.legacy.llm_client import LlmClient\n"


def test_a_relative_module_without_a_space(planned):
    new, _ = planned("from .import llm_client\n", names=("root/agents/base.py",))
    assert new == ["from tokenwire.legacy import llm_client\n"]


def test_all_that_stays_and_goes_is_python(planned):
    for texts, _ in STAYS.values():
        for text in planned(*texts)[0]:
            ast.parse(text)


def test_a_function_that_has_another_name_here_is_imported_by_its_own(planned):
    text = (
        "from root.agents.completion_client import CompletionClient, clean_llm_response as clean\n"
        "c = CompletionClient(f'{u}/completions', 'm')\nc.run('x')\n"
    )
    (new,), _ = planned(text)
    assert "from tokenwire.legacy.completion_client import clean_llm_response as clean\n" in new
    assert "from tokenwire.legacy.completion_client import clean_llm_response\n" in new

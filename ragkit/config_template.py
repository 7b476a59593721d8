"""The ``ragkit.toml`` that ``ragkit init`` writes: short, commented, accepted by ``load_config`` as it is."""

from __future__ import annotations

import json
from typing import Literal

Template = Literal["files", "jsonl"]

_SOURCES: dict[Template, str] = {
    "files": """\
[[collections.documents.sources]]
connector = "files"
name = "folder"
path = {path}
# include = ["**/*.pdf", "**/*.md"]     # globs below the folder; default: every file
# exclude = ["**/drafts/**"]            # replaces the default, which leaves out hidden and temporary files
# max_bytes = 52428800                  # larger files are reported, not read
""",
    "jsonl": """\
[[collections.documents.sources]]
connector = "jsonl"
name = "lines"
path = {path}
# A file or glob, plain or gzip; one {{"id", "title", "text", "meta"}} a line.
# id_field = "id"
# text_field = "text"
# title_field = "title"
# meta_field = "meta"
""",
}

_TEMPLATE = """\
# A ragkit workspace. Every key: `ragkit config reference`. After a change: `ragkit config check`.

[workspace]
name = {name}
{id}# names the key file; do not change it
{owner}# calls without a principal run as this one, and are recorded as such
language = "en"

[keys]
source = "file"                         # "file", "env" or "command"; never inside .ragkit/
# path = "~/keys/this.key"              # default: $XDG_CONFIG_HOME/ragkit/<id>.key. Keep a copy: without it all is lost
# variable = "RAGKIT_ROOT_KEY"          # for source = "env"
# command = ["pass", "show", "ragkit"]  # for source = "command"

[embedder]
# model = "models/my-encoder"           # a local sentence-transformers folder; default: the bundled all-MiniLM-L6-v2
# threads = 0                           # 0 takes all cores
# dtype = "auto"                        # "auto", "bf16", "fp32"

[generator]
kind = "extractive"                     # answers with cited sentences from the documents; needs no model and no network
# Another: `use = "small"` in place of `kind`; that line switches everything. Then `ragkit config check`.

# [generators.small]                    # a model of your own; `ragkit generators list` shows kinds and presets
# preset = "ollama"                     # or `kind = "transformers"` and `path = "models/qwen"`: in this process
# model = "qwen3:4b"
# destination = "gpu-box"
# [destinations.gpu-box]                # prompts go to declared places only; `ragkit egress explain` shows what would
# url = "http://127.0.0.1:11434/v1"     # https:// unless it is this machine
# location = "on-prem"                  # "on-prem", "managed", "remote"
# provider = "ollama"
# max_data_class = "confidential"       # how far content may travel; default: "public"
# [routing]
# large = "small"                       # asked where policy allows it and the first one's answer seems wrong
# [[budgets]]
# period = "month"
# tokens = 5_000_000

# [parser]
# timeout_s = 60                        # what one document may take, and `memory_mb`
# ocr_languages = ["eng", "deu"]        # of pictures and scans; needs `pip install 'ragkit[ocr]'` and their data

[audit]
mode = "required"                       # what cannot be recorded is not done; "compliance": and evidence is kept
# evidence = {{ days = 183 }}             # in "compliance": questions, passages, prompts and answers, encrypted
# history = {{ days = 30 }}               # in "compliance": replaced chunks, so that an answer can be replayed
# [[audit.anchors]]                     # where `ragkit audit anchor` takes signed states of the log; elsewhere, best
# name = "archive"
# kind = "file"                         # "file", "syslog", "command"
# path = "/mnt/elsewhere/ragkit-checkpoints.txt"

# [roles]
# auditors = ["u:local|ana"]            # who may read the event log; likewise ingesters, operators; default: the owner
# two_person = ["reveal"]               # what a second officer approves: "reveal", "evidence", "erase"

# [serve]                               # `ragkit serve`; callers get keys by `ragkit keys create`
# port = 8321                           # on 127.0.0.1; other machines need TLS, or `behind_proxy = true`
# certificate = "tls/chain.pem"
# certificate_key = "tls/key.pem"
# [chat]                                # the customer-care chatbot at /chat, and its pages for agents and operators
# collection = "documents"
# title = "Customer care"
# visitors = ["chat|visitors"]          # their groups: visitors see what `g:chat|visitors` or `pub` may see
# quick_replies = ["When are you open?"]

# [policies.ours]                       # name it as a collection's policy; without one the default policy masks
# profile = "default"                   # "default", "strict", "hipaa_safe_harbor", "gdpr", "pci": `ragkit policy list`
# secrets = "quarantine"                # documents with credentials in them are set aside
# keep_terms = ["Acme"]                 # never personal here
# [policies.ours.entities]              # on top of the profile; without `profile`, only these are masked
# LOCATION = "token"
# [policies.ours.dictionaries.projects]
# entity_type = "PROJECT"
# terms = ["Project Bluebird"]
# [policies.ours.recognizers.badge]     # numbers of your own
# entity_type = "EMPLOYEE_NUMBER"
# patterns = ['E-\\d{{4,6}}']
# context = ["badge", "employee"]       # one of them within five words before
# require_context = true
# [policies.ours.deny.customers]        # always personal; `file = "customers.txt"` for a list with one term a line
# entity_type = "PERSON"
# sql = {{url = {{env = "CRM_URL"}}, query = "select full_name from customers"}}

# [detectors.clinical]                  # a model in a local folder; `detectors = ["clinical"]` in the policy
# kind = "huggingface"                  # "spacy", "huggingface", "gliner"
# path = "models/deid"

[collections.documents]
data_class = "confidential"             # "public", "internal", "confidential", "restricted"
{access}# who may see documents: "u:issuer|name", "g:source|name", "pub"
{reveal}# who may see masked values in clear; default: nobody
{officers}# who may find, export, correct and erase people; default: nobody
# policy = "ours"
# filter_keys = ["department"]          # metadata that questions may filter on
# max_delete_share = 0.2                # a pass that would delete more of a source stops

{source}
# [backup]
# keys = "/mnt/elsewhere/ragkit.keys"   # the one copy of the key file, on another device, archived by nothing
# keep_days = 35                        # keys of replaced documents are kept so long, for older backups

# [[retention]]                         # `ragkit retention run --dry-run`
# collection = "documents"
# days = 3650                           # older documents go, with their keys
# by = "modified"                       # or "indexed"
"""


def render_template(template: Template, *, name: str, workspace_id: str, owner: str, path: str) -> str:
    """Return the text of a ``ragkit.toml``.

    Args:
        template: Which connector the source uses.
        name: Workspace name, a slug.
        workspace_id: Random name of the key file, a slug.
        owner: Subject of the local principal, ``local|<user>``; the only reader at first.
        path: Folder or file to read, as seen from the workspace folder.
    """
    return _TEMPLATE.format(
        name=_quote(name),
        id=_pad(f"id = {_quote(workspace_id)}"),
        owner=_pad(f"owner = {_quote(owner)}"),
        access=_pad(f"access = [{_quote(f'u:{owner}')}]"),
        reveal=_pad(f"# reveal = [{_quote(f'u:{owner}')}]"),
        officers=_pad(f"# officers = [{_quote(f'u:{owner}')}]"),
        source=_SOURCES[template].format(path=_quote(path)),
    )


def _pad(line: str) -> str:
    """Fill up to the column of the comments."""
    return f"{line:<39} "


def _quote(text: str) -> str:
    """Write a TOML basic string; JSON's escapes are among TOML's."""
    return json.dumps(text, ensure_ascii=False)

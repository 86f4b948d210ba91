"""Audits a bitext before training: its contents, and its problems."""

from opticlir.data.audit.audit import audit_bitext
from opticlir.data.audit.findings import BitextAudit
from opticlir.data.audit.suspects import without_suspects

__all__ = ["BitextAudit", "audit_bitext", "without_suspects"]

"""What a bitext is made of and what is wrong with it, before any training."""

from opticlir.data.audit.audit import audit_bitext
from opticlir.data.audit.findings import BitextAudit

__all__ = ["BitextAudit", "audit_bitext"]

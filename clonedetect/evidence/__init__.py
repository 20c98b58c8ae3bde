"""Evidence a stranger can check: the package, its seal and verification, the report and the tables.

Everything here reads values (`models.case.CaseContents`) and archived bytes,
never live state. `package.export` writes, `verify.verify` checks,
`report.render` and `tables` show.
"""

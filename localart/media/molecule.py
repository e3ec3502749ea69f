"""Molecules: files in the formats viewers know, and what RDKit makes of its own objects."""

import io
import os
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, Self

from localart.errors import UsageError
from localart.media.base import Encoded, EncodedMedia, EntryReader, Record, captions_of
from localart.media.records import encoded_in, text_or_none
from localart.media.sources import check_ending, ending_of, read_media_file, read_stream
from localart.model import JsonObject
from localart.names import shown

TYPES = frozenset({"pdb", "pqr", "mmcif", "mcif", "cif", "sdf", "sd", "gro", "mol2", "mmtf"})
RDKIT_TYPES = frozenset({"mol", "sdf"})


class Molecule(EncodedMedia):
    """One molecule: the path of a pdb, pqr, mmcif, mcif, cif, sdf, sd, gro, mol2 or mmtf file, or an open file.

    An open file needs `file_type` unless it has a name. Raises ValueError for other types.
    """

    kind = "molecule-file"
    folder = "media/molecule"
    SUPPORTED_TYPES = TYPES
    SUPPORTED_RDKIT_TYPES = RDKIT_TYPES

    def __init__(self, data_or_path: Any, caption: str | None = None, file_type: str | None = None) -> None:
        super().__init__(_encode(data_or_path, file_type), caption)

    @classmethod
    def from_rdkit(
        cls,
        data_or_path: Any,
        caption: str | None = None,
        convert_to_3d_and_optimize: bool = True,  # noqa: FBT001, FBT002 - W&B's signature
        mmff_optimize_molecule_max_iterations: int = 200,
    ) -> Self:
        """Make one from RDKit's Mol, or from a mol or sdf file (its first molecule). Needs rdkit.

        Making coordinates in space (`convert_to_3d_and_optimize`) may take long for large molecules.
        """
        chem = _rdkit()
        molecule = _read_with_rdkit(chem, data_or_path)
        if convert_to_3d_and_optimize:
            molecule = _in_space(chem, molecule, mmff_optimize_molecule_max_iterations)
        return cls(io.StringIO(chem.MolToPDBBlock(molecule)), caption=caption, file_type="pdb")

    @classmethod
    def from_smiles(
        cls,
        data: str,
        caption: str | None = None,
        sanitize: bool = True,  # noqa: FBT001, FBT002 - W&B's signature
        convert_to_3d_and_optimize: bool = True,  # noqa: FBT001, FBT002
        mmff_optimize_molecule_max_iterations: int = 200,
    ) -> Self:
        """Make one from a SMILES text; ValueError when it cannot be read. Needs rdkit."""
        molecule = _rdkit().MolFromSmiles(data, sanitize=sanitize)
        if molecule is None:
            raise ValueError(f"{shown(data)} is no SMILES that RDKit can read")
        return cls.from_rdkit(
            molecule, caption, convert_to_3d_and_optimize, mmff_optimize_molecule_max_iterations
        )

    @classmethod
    def from_artifact(cls, record: JsonObject, entries: EntryReader) -> Self:
        """Read the file and the caption."""
        return cls(encoded_in(record, entries), caption=text_or_none(record, "caption"))

    @classmethod
    def list_in_run(cls, media: Sequence["Molecule"], records: Sequence[Record]) -> Record:
        """Return W&B's record of several molecules."""
        paths = [record["path"] for record in records]
        return {"_type": "molecule", "filenames": paths, "count": len(media), **captions_of(media)}


def _encode(source: Any, file_type: str | None) -> Encoded:
    if isinstance(source, Encoded):
        return source
    if isinstance(source, (str, os.PathLike)):
        ending = ending_of(source, TYPES, "Molecule")
        return Encoded(data=read_media_file(source, "Molecule"), suffix=f".{ending}")
    if not hasattr(source, "read"):
        raise ValueError(f"Molecule takes a path or an open file, not {type(source).__name__}")
    name = getattr(source, "name", None)
    if file_type is None and isinstance(name, str):
        ending = ending_of(name, TYPES, "Molecule")
    else:
        ending = check_ending(file_type, TYPES, "Molecule")
    return Encoded(data=read_stream(source, "Molecule"), suffix=f".{ending}")


def _rdkit() -> Any:
    try:
        from rdkit import Chem
    except ImportError as error:
        raise UsageError("rdkit is needed for this", hint="pip install rdkit") from error
    return Chem


def _read_with_rdkit(chem: Any, source: Any) -> Any:
    if isinstance(source, chem.Mol):
        return source
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(f"from_rdkit takes a Mol or a path, not {type(source).__name__}")
    ending = ending_of(source, RDKIT_TYPES, "from_rdkit")
    text = read_media_file(source, "Molecule").decode(errors="replace")
    molecule = chem.MolFromMolBlock(text.partition("$$$$")[0] if ending == "sdf" else text)
    if molecule is None:
        raise ValueError(f"RDKit cannot read {shown(PurePath(source).name)}")
    return molecule


def _in_space(chem: Any, molecule: Any, iterations: int) -> Any:
    from rdkit.Chem import AllChem

    molecule = chem.AddHs(molecule)
    AllChem.EmbedMolecule(molecule)
    AllChem.MMFFOptimizeMolecule(molecule, maxIters=iterations)
    return molecule

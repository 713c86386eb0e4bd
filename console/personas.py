"""The five personas: what each means, its colour, and who has it."""

from collections.abc import Mapping
from typing import Final

from console.bodies import PersonasAnswer, PersonaShare
from console.database import Row
from contracts.decisions import Persona
from models.predict import COLOURS

MEANINGS: Final[dict[Persona, str]] = {
    "VIP Loyalist": "High-value repeat customers.",
    "Research Shopper": "Compares thoroughly, with high engagement.",
    "Quick Buyer": "Decides fast, with high carts.",
    "Browser": "Looks around with low engagement.",
    "Casual Visitor": "The average visit.",
}


def personas_answer(rows: Mapping[str, Row]) -> PersonasAnswer:
    """All five in their order, with the figures of those that some session has."""
    return PersonasAnswer(personas=[_share(persona, rows.get(persona)) for persona in MEANINGS])


def _share(persona: Persona, row: Row | None) -> PersonaShare:
    return PersonaShare(
        type=persona,
        description=MEANINGS[persona],
        color=COLOURS[persona],
        sessions=row["sessions"] if row else 0,
        share=row["share"] if row else 0.0,
        conversion_rate=row["conversion_rate"] if row else None,
        average_likelihood=row["average_likelihood"] if row else None,
        revenue=row["revenue"] if row else 0.0,
    )

/** Who may see what: one's own organisation, and those below it in the tree of who sells for whom. */
import type { DeskId, OrganisationId } from '../base/ids.ts';
import type { Directory } from '../routing/directory.ts';

/** The organisation itself and all that sell for it, however far down. */
export function visibleOrganisations(
  directory: Pick<Directory, 'organisations'>,
  organisationId: OrganisationId,
): ReadonlySet<OrganisationId> {
  const seen = new Set<OrganisationId>([organisationId]);
  // A set grows while it is walked, so this ends when a round finds nobody new.
  for (const above of seen) {
    for (const organisation of directory.organisations.values()) {
      if (organisation.sellsFor.includes(above)) seen.add(organisation.id);
    }
  }
  return seen;
}

/** The desks of those organisations. */
export function visibleDesks(directory: Pick<Directory, 'organisations' | 'desks'>, organisationId: OrganisationId): ReadonlySet<DeskId> {
  const organisations = visibleOrganisations(directory, organisationId);
  const desks = [...directory.desks.values()].filter((desk) => organisations.has(desk.organisationId));
  return new Set(desks.map((desk) => desk.id));
}

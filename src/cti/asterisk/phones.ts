/** An agent's phone as PJSIP objects for ARI's dynamic configuration (`PUT /asterisk/config/dynamic/res_pjsip/{type}/{name}`). */
import type { Endpoint } from '../port.ts';

export interface PhoneSettings {
  /** Dialplan context of what the phone dials. */
  readonly context: string;
  readonly loopbackMedia: boolean;
}

export interface PjsipObject {
  readonly type: 'auth' | 'aor' | 'endpoint';
  readonly fields: readonly { readonly attribute: string; readonly value: string }[];
}

/** In the order in which they must be pushed: the endpoint names the others. */
export function fieldsOf(endpoint: Endpoint, settings: PhoneSettings): readonly PjsipObject[] {
  const { name, kind, password } = endpoint;
  return [
    object('auth', { auth_type: 'userpass', username: name, password }),
    // One browser or phone at a time: the newest one is where the agent is.
    object('aor', { max_contacts: '1', remove_existing: 'yes' }),
    object('endpoint', {
      context: settings.context,
      auth: name,
      aors: name,
      allow: kind === 'browser' ? '!all,opus,ulaw' : '!all,ulaw,alaw,g722',
      direct_media: 'no',
      dtmf_mode: kind === 'browser' ? 'rfc4733' : 'auto',
      send_connected_line: 'no',
      // A phone may be behind NAT; what it writes into its messages is not where it is.
      rtp_symmetric: 'yes',
      force_rport: 'yes',
      rewrite_contact: 'yes',
      identify_by: 'auth_username,username',
      // DTLS-SRTP, ICE, AVPF, rtcp-mux with a certificate made on the spot.
      ...(kind === 'browser' ? { webrtc: 'yes' } : {}),
      ...(settings.loopbackMedia ? { media_address: '127.0.0.1', bind_rtp_to_media_address: 'yes' } : {}),
    }),
  ];
}

function object(type: PjsipObject['type'], fields: Readonly<Record<string, string>>): PjsipObject {
  return { type, fields: Object.entries(fields).map(([attribute, value]) => ({ attribute, value })) };
}

/**
 * The owner's token of every stage that lives on an emulator for as long as a test: events carry it, so that they can be
 * run as they are. Its hash stands in no genesis of a stage that is deployed.
 */
export const stageToken = 'sg_0190a1b2c3d47000800000000000e7e5_owner-of-a-stage-that-lives-for-one-minute-';

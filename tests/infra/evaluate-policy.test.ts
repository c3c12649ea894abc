import { describe, expect, test } from '@jest/globals';
import { evaluatePolicy, type Statement } from './evaluate-policy.ts';

const read: Statement = { Effect: 'Allow', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/content/*' };
const object = { action: 's3:GetObject', resource: 'arn:aws:s3:::b/content/1' };

describe('the evaluator of statements', () => {
  test('refuses what nothing allows', () => {
    expect(evaluatePolicy([], object)).toBe('refused');
    expect(evaluatePolicy([read], { ...object, action: 's3:PutObject' })).toBe('refused');
    expect(evaluatePolicy([read], { ...object, resource: 'arn:aws:s3:::b/log/checkpoint' })).toBe('refused');
  });

  test('allows what one statement allows, whatever the case of its action', () => {
    expect(evaluatePolicy([read], object)).toBe('allowed');
    expect(evaluatePolicy([{ ...read, Action: ['s3:getobject'] }], object)).toBe('allowed');
  });

  test('lets a statement that denies win over all that allow', () => {
    const deny: Statement = { Effect: 'Deny', Action: 's3:*', Resource: '*' };
    expect(evaluatePolicy([read, deny], object)).toBe('refused');
    expect(evaluatePolicy([deny, read], object)).toBe('refused');
  });

  test('reads NotAction and NotResource as everything else', () => {
    const but: Statement = { Effect: 'Allow', NotAction: ['iam:*'], NotResource: 'arn:aws:s3:::b/secret/*' };
    expect(evaluatePolicy([but], object)).toBe('allowed');
    expect(evaluatePolicy([but], { ...object, action: 'iam:PassRole' })).toBe('refused');
    expect(evaluatePolicy([but], { ...object, resource: 'arn:aws:s3:::b/secret/1' })).toBe('refused');
  });

  test.each([
    ['StringEquals', 'a', 'a', 'b'],
    ['StringLike', 'a*', 'abc', 'bc'],
    ['ArnEquals', 'arn:aws:iam::1:role/a', 'arn:aws:iam::1:role/a', 'arn:aws:iam::1:role/b'],
    ['Bool', 'false', 'false', 'true'],
    ['NumericLessThan', '1.2', '1.1', '1.2'],
  ])('holds a statement to its condition %s', (operator, wanted, fits, differs) => {
    const statement: Statement = { ...read, Condition: { [operator]: { key: wanted } } };
    expect(evaluatePolicy([statement], { ...object, context: { key: fits } })).toBe('allowed');
    expect(evaluatePolicy([statement], { ...object, context: { key: differs } })).toBe('refused');
    expect(evaluatePolicy([statement], object)).toBe('refused');
  });

  test('needs every key of a condition, and one of its values', () => {
    const statement: Statement = { ...read, Condition: { StringEquals: { a: ['1', '2'], b: '3' } } };
    expect(evaluatePolicy([statement], { ...object, context: { a: '2', b: '3' } })).toBe('allowed');
    expect(evaluatePolicy([statement], { ...object, context: { a: '2' } })).toBe('refused');
  });

  test('takes `?` for one character and dots for dots', () => {
    const statement: Statement = { ...read, Resource: 'arn:aws:s3:::b.c/?' };
    expect(evaluatePolicy([statement], { ...object, resource: 'arn:aws:s3:::b.c/1' })).toBe('allowed');
    expect(evaluatePolicy([statement], { ...object, resource: 'arn:aws:s3:::bxc/1' })).toBe('refused');
    expect(evaluatePolicy([statement], { ...object, resource: 'arn:aws:s3:::b.c/12' })).toBe('refused');
  });

  test('refuses to judge what it does not understand', () => {
    expect(() => evaluatePolicy([{ ...read, Condition: { IpAddress: { a: '1' } } }], object)).toThrow('IpAddress');
    const odd = { ...read, NotPrincipal: '*' };
    expect(() => evaluatePolicy([odd], object)).toThrow('NotPrincipal');
  });
});

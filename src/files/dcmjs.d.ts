/** @file The part of dcmjs that is used; it comes without types. */

declare module "dcmjs" {
  interface Element {
    readonly vr: string;
    readonly Value?: readonly unknown[];
  }
  type Elements = Readonly<Record<string, Element>>;
  interface Logger {
    getLevel(): number;
    setLevel(level: string | number, persist: boolean): void;
  }
  const dcmjs: {
    readonly data: {
      readonly DicomMessage: {
        readFile(bytes: ArrayBuffer, options?: object): { readonly meta: Elements; readonly dict: Elements };
      };
      readonly DicomDict: new (meta: Elements) => { dict: Elements; write(options?: object): ArrayBuffer };
    };
    readonly log: Logger & { getLogger(name: string): Logger };
  };
  export default dcmjs;
}

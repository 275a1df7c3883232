/** The panel's place in the sidebar; what it shows is loaded when it is first seen. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { PanelLayout, Widget } from '@lumino/widgets';
import type { Desk, Page } from '../desk';
import { cloudIcon } from '../icons';
import type { PanelBody } from './panel';

/** The sidebar's widget. */
export class Side extends Widget {
  /**
   * @param ready resolves when Jupyter stands: a restored page may show us from the start.
   */
  constructor(
    private readonly _desk: Desk,
    private readonly _ready: Promise<unknown>,
    trans: TranslationBundle = _desk.trans
  ) {
    super();
    this.id = 'jp-drive-sync-panel';
    this.addClass('jp-DriveSync-side');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', trans.__('Google Drive'));
    this.title.icon = cloudIcon;
    // Notebook 7 has this in its View menu, JupyterLab as the tab's tooltip.
    this.title.caption = trans.__('Google Drive');
    this.layout = new PanelLayout();
  }

  /** Turns to what a page of the panel is about, and remembers who asked, for Escape. */
  async turn(page: Extract<Page, { name: 'details' }>): Promise<void> {
    const opener = document.activeElement;
    const body = await this._load();
    body.turn(page, opener instanceof HTMLElement && !this.node.contains(opener) ? opener : null);
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    void this._load();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    if (this.isVisible) {
      void this._load();
    }
  }

  private _load(): Promise<PanelBody> {
    this._body ??= this._ready
      .then(() => import('./panel'))
      .then(room => {
        const body = new room.PanelBody(this._desk);
        (this.layout as PanelLayout).addWidget(body);
        return body;
      });
    return this._body;
  }

  private _body: Promise<PanelBody> | null = null;
}

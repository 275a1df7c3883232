import './base.css';
import './panel.css';
import './browser.css';

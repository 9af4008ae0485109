// Filters the matrix and the paths, and loads a case's evidence when its fold is opened.
(() => {
  const filter = document.querySelector('.filter');
  const [search, troubled] = filter.querySelectorAll('input');
  const rows = document.querySelectorAll('[data-row]');
  const apply = () => {
    const wanted = search.value.trim().toLowerCase();
    for (const row of rows) {
      const text = row.dataset.row + ' ' + (row.querySelector('a, .title')?.textContent ?? '');
      row.hidden =
        !text.toLowerCase().includes(wanted) || (troubled.checked && 'passed' in row.dataset);
    }
  };
  filter.hidden = false;
  filter.addEventListener('input', apply);
  const folder = document.querySelector('[data-folder]')?.dataset.folder;
  // Each file calls it with what it holds.
  window.goldpath = (id, text) => {
    const inside = document.getElementById(id);
    inside.innerHTML = text;
    inside.removeAttribute('aria-busy');
  };
  const load = (inside) => {
    delete inside.dataset.file;
    inside.setAttribute('aria-busy', 'true');
    const script = document.createElement('script');
    script.src = './' + encodeURIComponent(folder) + '/' + inside.id + '.js';
    script.onerror = () => {
      inside.textContent = 'Not found beside this page: ' + folder + '/' + inside.id + '.js';
      inside.removeAttribute('aria-busy');
    };
    document.body.append(script);
  };
  document.addEventListener(
    'toggle',
    (event) => {
      const inside = event.target.open && event.target.querySelector(':scope > [data-file]');
      if (inside) load(inside);
    },
    true,
  );
  addEventListener('hashchange', () => {
    const target = document.getElementById(location.hash.slice(1));
    const fold = target?.closest('details');
    if (fold) {
      fold.hidden = false;
      fold.open = true;
      target.scrollIntoView();
    }
  });
})();

// Filters the matrix and the paths. Without it the page is whole, only longer.
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

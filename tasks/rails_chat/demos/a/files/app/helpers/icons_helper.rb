module IconsHelper
  ICONS = {
    arrow_up: "M10 16V4.5M5 9l5-5 5 5",
    plus: "M10 4.5v11M4.5 10h11",
    warning: "M10 3 2.5 16.5h15L10 3ZM10 8.5v3.5M10 14.4v.1"
  }.freeze

  def icon(name)
    tag.svg(tag.path(d: ICONS.fetch(name)), viewBox: "0 0 20 20", class: "icon", "aria-hidden": true)
  end
end

require "test_helper"

class IconsHelperTest < ActionView::TestCase
  test "draws an icon that screen readers skip" do
    assert_equal '<svg viewBox="0 0 20 20" class="icon" aria-hidden="true"><path d="M10 4.5v11M4.5 10h11" /></svg>',
                 icon(:plus)
  end

  test "an unknown icon is a mistake" do
    assert_raises(KeyError) { icon(:unknown) }
  end
end

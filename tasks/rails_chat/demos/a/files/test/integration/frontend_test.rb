require "test_helper"

# What ties markup, Stimulus controllers, import map and stylesheet together.
class FrontendTest < ActionDispatch::IntegrationTest
  test "every module of the import map is served" do
    get root_path
    imports = JSON.parse(css_select("script[type=importmap]").text)["imports"]

    assert_includes imports.keys, "@hotwired/turbo"
    assert_includes imports.keys, "@hotwired/stimulus"
    imports.each_value do |path|
      get path
      assert_response :success, "#{path} is missing"
    end
  end

  test "every Stimulus controller named in a view exists" do
    views = Rails.root.glob("app/views/**/*.erb").map(&:read).join
    names = views.scan(/data-controller="([\w-]+)"/).flatten.uniq

    assert_equal %w[clipboard composer transcript], names.sort
    names.each { |name| assert_path_exists Rails.root.join("app/javascript/controllers/#{name}_controller.js") }
  end

  test "the compiled stylesheet is served and holds the page's own classes" do
    get root_path
    get css_select("link[rel=stylesheet]").first["href"]

    assert_response :success
    assert_match ".h-dvh", response.body
    assert_match ".typing", response.body
  end
end
